"""The Resource Manager face of the simulator: one module of routes for each subject of azure.md section 12."""

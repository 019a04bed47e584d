"""Files that hold (part of) an estate: a captured estate as JSON, service-management XML, the CSV of Microsoft's field
toolset. Read into documents as the gateway gives them; written by `manage.py capture`. Pure, no sockets."""

"""Big data sets: a real estate read by the product, multiplied by PostgreSQL into rows the product would have left."""

"""A saved network in other formats, each verified before it is handed over."""

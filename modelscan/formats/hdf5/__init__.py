"""HDF5, walked by a reader of our own: objects, links, attributes, and what they promise."""

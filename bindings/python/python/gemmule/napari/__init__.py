"""The napari plugin: read stacks, find and follow spines, review calls."""

"""The statistics behind graphs: arrays in, plain figures out, each over all lines and the same at every call."""

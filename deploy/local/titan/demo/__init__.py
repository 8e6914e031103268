"""The main job: the whole of TITAN on real input, through nothing but its public API, as a person would use it."""

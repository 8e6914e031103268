"""Tables in, trained machines out, rows solved."""

from ml import threads

# Here, since nothing of ml that loads NumPy can come before it.
threads.hold()

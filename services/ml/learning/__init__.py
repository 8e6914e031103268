"""The pure learning core of ml: tables, columns, encoding, networks, models on disk; no Django, no Kafka.

Nothing is imported here, so that `ml.learning.solver` stays free of JAX and scikit-learn.
"""

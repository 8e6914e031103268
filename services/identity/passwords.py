"""Password hashing with a bound on memory: Argon2id, and at most two hashes at a time."""

from threading import BoundedSemaphore

from django.contrib.auth.hashers import Argon2PasswordHasher

# 46 MiB a hash: without this cap, sixty sign-ins at once would need 3 GiB.
_at_once = BoundedSemaphore(2)


class BoundedArgon2(Argon2PasswordHasher):
    """Argon2id with OWASP's t=2, m=46 MiB, p=1; more threads buy nothing on two cores."""

    time_cost = 2
    memory_cost = 47_104
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The hash of `password`; waits while two others are being made."""
        with _at_once:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether `password` gives that hash; waits while two others are being made."""
        with _at_once:
            return super().verify(password, encoded)

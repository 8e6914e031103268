"""The worker process of identity: relay, consumer, and the signing keys' rotation."""

from functools import partial

from service_base.env import env
from service_base.worker import Every, prepare, run


def main() -> None:
    """Run until stopped."""
    prepare("identity")
    from identity import commands

    run(
        "identity",
        Every(60, commands.keep_signing_keys),
        first=partial(commands.first_operator, password=env().admin_password),
    )


if __name__ == "__main__":
    main()

"""The worker process of identity: relay, consumer, and the signing keys' rotation."""

from service_base.env import env
from service_base.worker import Every, prepare, run


def main() -> None:
    """Run until stopped."""
    prepare("identity")
    from identity import commands

    commands.first_operator(password=env().admin_password)
    run("identity", Every(60, commands.keep_signing_keys))


if __name__ == "__main__":
    main()

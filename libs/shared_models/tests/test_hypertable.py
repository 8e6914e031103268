"""What CreateHypertable says to each kind of PostgreSQL."""

from shared_models.operations import CreateHypertable, Tier

OPERATION = CreateHypertable(
    "Price",
    "timestamp",
    chunk_interval="30 days",
    compress_after="90 days",
    segment_by=("symbol_id",),
    retain="5 years",
)


def test_plain_postgresql_gets_a_brin_index_and_nothing_of_timescale():
    (statement,) = OPERATION.statements("price", Tier.PLAIN)
    assert "USING brin" in statement


def test_the_apache_edition_gets_a_hypertable_without_policies():
    (statement,) = OPERATION.statements("price", Tier.APACHE)
    assert statement.startswith("SELECT create_hypertable")


def test_the_community_edition_gets_compression_and_retention():
    statements = " ".join(OPERATION.statements("price", Tier.COMMUNITY))
    for part in (
        "create_hypertable",
        "compress_segmentby = 'symbol_id'",
        "add_compression_policy",
        "add_retention_policy",
    ):
        assert part in statements


def test_the_operation_can_be_written_into_a_migration():
    name, args, kwargs = OPERATION.deconstruct()
    again = CreateHypertable(*args, **kwargs)
    assert again.statements("price", Tier.COMMUNITY) == OPERATION.statements("price", Tier.COMMUNITY)
    assert name == "CreateHypertable"

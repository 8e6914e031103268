import django.contrib.postgres.indexes
from django.db import migrations, models

# Rows come and go by the thousand: PostgreSQL's default of a fifth of the table would let the dead pile up.
_TUNE = """
    ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
                            autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_cost_delay = 0)
"""
_UNTUNE = """
    ALTER TABLE outbox RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold,
                              autovacuum_vacuum_insert_scale_factor, autovacuum_vacuum_cost_delay)
"""


class Migration(migrations.Migration):

    dependencies = [
        ('event_bus', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='OffsetFence',
            fields=[
                ('pk', models.CompositePrimaryKey('consumer', 'cluster', 'topic', 'partition', blank=True, editable=False, primary_key=True, serialize=False)),
                ('consumer', models.CharField(max_length=60)),
                ('cluster', models.CharField(max_length=100)),
                ('topic', models.CharField(max_length=100)),
                ('partition', models.IntegerField()),
                ('next_offset', models.BigIntegerField()),
                ('event_id', models.UUIDField(null=True)),
            ],
            options={
                'db_table': 'offset_fence',
            },
        ),
        migrations.RemoveIndex(
            model_name='inboxentry',
            name='inbox_received',
        ),
        migrations.AddIndex(
            model_name='inboxentry',
            index=django.contrib.postgres.indexes.BrinIndex(fields=['received_at'], name='inbox_received_brin'),
        ),
        migrations.RunSQL(_TUNE, _UNTUNE),
    ]

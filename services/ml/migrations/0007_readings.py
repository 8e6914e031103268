"""Large uploads are read as work."""

import django.db.models.deletion
import shared_models.clock
import shared_models.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ml', '0006_workbooks'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='TableReading',
            fields=[
                ('created_at', models.DateTimeField(default=shared_models.clock.utc_now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('id', models.UUIDField(default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('purpose', models.CharField(choices=[('machine', 'machine'), ('learning', 'learning'), ('solving', 'solving'), ('answers', 'answers'), ('correction', 'correction')], max_length=10)),
                ('state', models.CharField(choices=[('queued', 'queued'), ('running', 'running'), ('succeeded', 'succeeded'), ('failed', 'failed'), ('cancelled', 'cancelled')], default='queued', max_length=10)),
                ('asked', models.JSONField(blank=True, default=dict)),
                ('file_name', models.CharField(max_length=300)),
                ('path', models.CharField(blank=True, max_length=300)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('size_bytes', models.BigIntegerField()),
                ('attempts', models.IntegerField(default=0)),
                ('lease_token', models.BigIntegerField(default=0)),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                ('progress_percent', models.FloatField(default=0)),
                ('lines_read', models.BigIntegerField(default=0)),
                ('reason', models.TextField(blank=True)),
                ('reason_field', models.CharField(blank=True, max_length=300)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('machine', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='readings', to='ml.machine')),
                ('requested_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='readings', to=settings.AUTH_USER_MODEL)),
                ('work', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='readings', to='ml.work')),
            ],
            options={
                'db_table': 'table_reading',
                'indexes': [models.Index(fields=['requested_by', '-created_at'], name='reading_by_person'), models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['created_at'], name='reading_to_do')],
                'constraints': [models.CheckConstraint(condition=models.Q(('purpose__in', ['machine', 'learning', 'solving', 'answers', 'correction'])), name='reading_purpose_known'), models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'running', 'succeeded', 'failed', 'cancelled'])), name='reading_state_known'), models.CheckConstraint(condition=models.Q(('attempts__range', (0, 3))), name='readings_bounded'), models.CheckConstraint(condition=models.Q(('progress_percent__range', (0, 100))), name='reading_percent_bounded'), models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('state__in', ['cancelled', 'failed', 'succeeded'])), models.Q(('finished_at', None), ('state__in', ['queued', 'running'])), _connector='OR'), name='ended_reading_says_when'), models.UniqueConstraint(condition=models.Q(('purpose', 'correction'), ('state__in', ['queued', 'running'])), fields=('machine',), name='one_correction_at_a_time')],
            },
        ),
    ]

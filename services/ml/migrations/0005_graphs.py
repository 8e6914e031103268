import django.db.models.deletion
import shared_models.clock
import shared_models.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ml', '0004_servers'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Graph',
            fields=[
                ('created_at', models.DateTimeField(default=shared_models.clock.utc_now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('id', models.UUIDField(default=shared_models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('graph_name', models.CharField(blank=True, max_length=200)),
                ('graph_type', models.IntegerField(default=1)),
                ('palette', models.CharField(default='Light24', max_length=20)),
                ('statistic', models.CharField(default='mean', max_length=10)),
                ('x', models.CharField(blank=True, max_length=300)),
                ('y', models.CharField(blank=True, max_length=300)),
                ('z', models.CharField(blank=True, max_length=300)),
                ('hue', models.CharField(blank=True, max_length=300)),
                ('color', models.CharField(blank=True, max_length=300)),
                ('size', models.CharField(blank=True, max_length=300)),
                ('style', models.CharField(blank=True, max_length=300)),
                ('col', models.CharField(blank=True, max_length=300)),
                ('row', models.CharField(blank=True, max_length=300)),
                ('animation_frame', models.CharField(blank=True, max_length=300)),
                ('machine', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='graphs', to='ml.machine')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='graphs', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'graph',
                'indexes': [models.Index(fields=['machine', '-created_at'], name='graphs_by_machine')],
                'constraints': [models.CheckConstraint(condition=models.Q(('graph_type__range', (1, 13))), name='graph_type_known'), models.CheckConstraint(condition=models.Q(('palette__in', ['Light24', 'Dark24', 'Okabe-Ito', 'Tableau10', 'Set2'])), name='palette_known'), models.CheckConstraint(condition=models.Q(('statistic__in', ['mean', 'sum', 'median', 'count'])), name='statistic_known')],
            },
        ),
    ]

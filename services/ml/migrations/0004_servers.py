from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ml', '0003_usage_counts'),
    ]

    operations = [
        migrations.AddField(
            model_name='server',
            name='server_ram_bytes',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='work',
            name='needed_ram_bytes',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='work',
            name='needed_gpu_bytes',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='work',
            name='spent_seconds',
            field=models.FloatField(default=0),
        ),
    ]

"""A quote may have a seller's price beside the platform's."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Quotes that exist are of work on one's own machines: no seller, nothing to pay one."""

    dependencies = [("billing", "0020_consulting")]
    operations = [
        migrations.AddField(
            model_name="quote",
            name="price_usd",
            field=models.DecimalField(db_default=0, decimal_places=8, default=0, max_digits=20),
        ),
    ]

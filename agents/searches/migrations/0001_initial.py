"""The table comes from the room of the letters, which had it first, with every row that is in it."""

from __future__ import annotations

from django.db import migrations, models

import core.ids

KINDS = ["letters", "groups", "messages", "traces", "logs"]


class Migration(migrations.Migration):
    initial = True

    dependencies = [("deadletters", "0007_searches_have_a_room")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="SavedSearch",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.new, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("owner", models.CharField(max_length=300)),
                        ("owner_name", models.CharField(max_length=300)),
                        ("name", models.CharField(max_length=300)),
                        ("of", models.CharField(choices=[(each, each) for each in KINDS], max_length=20)),
                        ("query", models.CharField(max_length=2000)),
                        ("shared", models.BooleanField(default=False)),
                        ("made_at", models.DateTimeField()),
                    ],
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("owner", "of", "name"), name="saved_searches_one_each"
                            )
                        ]
                    },
                )
            ]
        )
    ]

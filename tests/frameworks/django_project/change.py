"""Changes a model's table as migrations do, with rows in it; prints `ok`."""

import django

django.setup()

from django.db import connection, models  # noqa: E402
from shop.models import Shelf, Tag  # noqa: E402


class Note(models.Model):
    """A table that changes."""

    text = models.CharField(max_length=10, null=True)
    number = models.IntegerField(default=1)
    tag = models.ForeignKey(Tag, null=True, on_delete=models.SET_NULL)

    class Meta:
        app_label = "shop"


def field(name: str, made: models.Field) -> models.Field:
    made.set_attributes_from_name(name)
    made.model = Note
    return made


with connection.schema_editor() as editor:
    editor.create_model(Note)
Note.objects.create(text="one", number=5)
old = Note._meta.get_field
with connection.schema_editor() as editor:
    longer = field("text", models.CharField(max_length=200, default="", db_index=True))
    editor.alter_field(Note, old("text"), longer)
    unique = field("number", models.BigIntegerField(unique=True))
    editor.alter_field(Note, old("number"), unique)
    editor.add_field(Note, field("added", models.DecimalField(max_digits=8, decimal_places=3, default=2)))
    editor.alter_field(Note, unique, field("count", models.BigIntegerField(unique=True)))
    editor.add_index(Note, models.Index(fields=["-text"], name="by_text"))
    editor.add_constraint(Note, models.UniqueConstraint(fields=["text"], name="one_text"))
with connection.cursor() as cursor:
    cursor.execute("SELECT text, [count], added FROM shop_note")
    assert [tuple(row) for row in cursor.fetchall()] == [("one", 5, 2)]
    cursor.execute("INSERT INTO shop_note (text, [count], added) VALUES (%s, 6, 1)", ["x" * 150])
    found = connection.introspection.get_constraints(cursor, "shop_note")
assert {"by_text", "one_text"} <= found.keys(), found.keys()
with connection.schema_editor() as editor:
    editor.remove_constraint(Note, models.UniqueConstraint(fields=["text"], name="one_text"))
    editor.remove_index(Note, models.Index(fields=["-text"], name="by_text"))
    editor.remove_field(Note, old("tag"))
    editor.alter_db_table(Note, "shop_note", "shop_remark")
    Note._meta.db_table = "shop_remark"
    editor.delete_model(Note)
assert "shop_remark" not in connection.introspection.table_names()
assert Shelf.objects.count() >= 0
print("ok")

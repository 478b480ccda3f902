"""Models with the fields that applications have."""

import uuid

from django.db import models


class Shelf(models.Model):
    """One place."""

    name = models.CharField(max_length=40, unique=True)

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A word on products."""

    word = models.SlugField()


class Product(models.Model):
    """What is sold."""

    code = models.UUIDField(default=uuid.uuid4, unique=True)
    name = models.CharField(max_length=100, db_index=True)
    about = models.TextField(blank=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    weight = models.FloatField(null=True)
    count = models.PositiveIntegerField(default=0)
    sold = models.BooleanField(default=False)
    made = models.DateField(null=True)
    changed = models.DateTimeField(auto_now=True)
    opens = models.TimeField(null=True)
    lasts = models.DurationField(null=True)
    picture = models.BinaryField(null=True)
    more = models.JSONField(default=dict)
    shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE, related_name="products")
    tags = models.ManyToManyField(Tag)

    class Meta:
        unique_together = [("name", "shelf")]
        constraints = [models.CheckConstraint(condition=models.Q(price__gte=0), name="price_not_negative")]
        indexes = [models.Index(fields=["made", "price"], name="made_price")]

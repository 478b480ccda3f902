"""What a person does in the admin, and what an application asks of its models; prints `ok`."""

import datetime
import decimal
import json
import re

import django

django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.db import IntegrityError, connection, transaction  # noqa: E402
from django.db.models import Avg, Count, F, Q, Sum, Window  # noqa: E402
from django.db.models.functions import Concat, Lower, Rank, TruncMonth  # noqa: E402
from django.test import Client  # noqa: E402
from shop.models import Product, Shelf, Tag  # noqa: E402


def admin() -> None:
    """Log in, and add, find, change and delete things by the admin's forms."""
    client = Client()
    page = client.get("/admin/login/")
    assert page.status_code == 200
    wrong = client.post("/admin/login/?next=/admin/", {"username": "ada", "password": "wrong"})
    assert b"Please enter the correct" in wrong.content
    entered = client.post("/admin/login/?next=/admin/", {"username": "ada", "password": "correct horse"})
    assert entered.status_code == 302, entered.content
    assert b"Site administration" in client.get("/admin/").content
    added = client.post("/admin/shop/shelf/add/", {"name": "Oben"})
    assert added.status_code == 302, added.content
    shelf = Shelf.objects.get(name="oben")  # text is compared without case
    form = {
        "code": "12345678-1234-5678-1234-567812345678", "name": "Käse", "about": "Aus 茶", "price": "12.50",
        "count": "3", "made": "2024-02-29", "opens": "08:30:00", "lasts": "1 02:03:04", "more": json.dumps({"a": [1]}),
        "shelf": shelf.pk, "weight": "1.5", "tags": [Tag.objects.create(word="good").pk],
    }  # fmt: skip
    added = client.post("/admin/shop/product/add/", form)
    assert added.status_code == 302, re.findall(r"errorlist[^>]*>.*?</ul>", added.content.decode())
    listed = client.get("/admin/shop/product/", {"q": "KÄSE", "shelf__id__exact": shelf.pk}).content.decode()
    assert "1 product" in listed
    product = Product.objects.get()
    changed = client.post(f"/admin/shop/product/{product.pk}/change/", form | {"price": "13.00", "_save": "Save"})
    assert changed.status_code == 302, changed.content
    history = client.get(f"/admin/shop/product/{product.pk}/history/").content.decode()
    assert "Changed" in history, history
    assert "Price" in history, history
    gone = client.post(f"/admin/shop/product/{product.pk}/delete/", {"post": "yes"})
    assert gone.status_code == 302
    assert not Product.objects.exists()
    assert client.get("/admin/auth/user/").status_code == 200
    assert client.post("/admin/auth/group/add/", {"name": "editors", "permissions": [1, 2]}).status_code == 302
    assert Group.objects.get().permissions.count() == 2
    assert client.post("/admin/logout/").status_code == 200
    assert client.get("/admin/").status_code == 302


def models() -> None:
    """Every kind of field there and back, and the queries of applications."""
    low, high = (Shelf.objects.create(name=name) for name in ("low", "high"))
    first = Product.objects.create(
        name="Tee", price=decimal.Decimal("3.50"), shelf=low, made=datetime.date(2024, 1, 31), more={"kind": "green"},
        opens=datetime.time(8, 30), lasts=datetime.timedelta(days=1, microseconds=5), picture=b"\x00\xff", weight=0.5,
    )  # fmt: skip
    first.refresh_from_db()
    assert (first.price, first.opens, first.picture) == (decimal.Decimal("3.50"), datetime.time(8, 30), b"\x00\xff")
    assert first.lasts == datetime.timedelta(days=1, microseconds=5)
    assert first.more == {"kind": "green"}
    assert first.changed.tzinfo is not None
    many = [
        Product(name=f"p{number}", price=number, count=number, shelf=high, made=datetime.date(2024, 1 + number % 3, 1))
        for number in range(1, 31)
    ]
    Product.objects.bulk_create(many, batch_size=7)
    assert Product.objects.filter(shelf__name="HIGH").count() == 30
    assert [p.name for p in Product.objects.filter(name__startswith="p").order_by("-price")[2:4]] == ["p28", "p27"]
    assert Product.objects.filter(Q(name__icontains="EE") | Q(price=5)).count() == 2
    assert Product.objects.aggregate(Sum("count"), Avg("price"))["count__sum"] == 465
    months = (
        Product.objects.annotate(month=TruncMonth("made")).values("month").annotate(n=Count("id")).order_by("month")
    )
    assert [row["n"] for row in months] == [11, 10, 10], list(months)
    assert Product.objects.filter(count__gt=28).update(count=F("count") + 100) == 2
    ranked = Product.objects.annotate(place=Window(Rank(), partition_by="shelf", order_by=F("price").desc()))
    assert {p.name: p.place for p in ranked}["p30"] == 1
    named = Product.objects.annotate(whole=Concat("name", "shelf__name")).values_list("whole", flat=True)
    assert "Teelow" in named
    assert Shelf.objects.annotate(lower=Lower("name")).filter(lower="low").get() == low
    assert {s.name: s.n for s in Shelf.objects.annotate(n=Count("products"))}["high"] == 30
    assert set(Product.objects.filter(shelf__in=Shelf.objects.filter(name="low"))) == {first}
    assert Product.objects.filter(more__kind="green").get() == first
    first.tags.add(*[Tag.objects.create(word=word) for word in ("a", "b")])
    assert Product.objects.filter(tags__word="a").prefetch_related("tags").get().tags.count() == 2
    made, new = Shelf.objects.update_or_create(name="low", defaults={"name": "Low"})
    assert (made.pk, new) == (low.pk, False)
    assert Shelf.objects.select_for_update().filter(pk=low.pk) is not None
    with transaction.atomic():
        try:
            with transaction.atomic():
                Shelf.objects.create(name="HIGH")
        except IntegrityError as error:
            assert "2627" in str(error) or "2601" in str(error), error
        Shelf.objects.create(name="after an error")
    assert Shelf.objects.filter(name="after an error").exists()
    try:
        Product.objects.create(name="bad", price=-1, shelf=low)
    except IntegrityError as error:
        assert "price_not_negative" in str(error), error
    else:
        raise AssertionError("a check was not looked at")
    low.delete()
    assert not Product.objects.filter(name="Tee").exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT TOP 1 name FROM shop_product WHERE price > %s ORDER BY price", [10])
        assert cursor.fetchone() == ("p11",)


User.objects.create_superuser("ada", "ada@example.com", "correct horse")
admin()
models()
print("ok")

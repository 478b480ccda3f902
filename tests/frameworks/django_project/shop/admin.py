"""The models in the admin."""

from django.contrib import admin

from shop.models import Product, Shelf

admin.site.register(Shelf)
admin.site.register(Product, list_display=["name", "price", "shelf"], search_fields=["name"], list_filter=["shelf"])

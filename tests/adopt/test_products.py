"""The databases of products that tests adopt."""

from __future__ import annotations

import pytest
from sqlalchemy import NullPool, create_engine, inspect

from tests.adopt.products import Product, load
from tests.support.supabase import SupabaseDatabase


@pytest.mark.thorough
@pytest.mark.parametrize("product", Product)
def test_products_load_as_the_ordinary_owner_of_a_database(
    product: Product, owned_database: str
) -> None:
    load(owned_database, product)
    assert inspect(create_engine(owned_database, poolclass=NullPool)).get_table_names()


@pytest.mark.exhaustive
@pytest.mark.parametrize("product", Product)
def test_products_load_on_hosted_supabase(product: Product, supabase: SupabaseDatabase) -> None:
    load(supabase.postgres, product)
    engine = create_engine(supabase.postgres, poolclass=NullPool)
    assert inspect(engine).get_table_names("public")

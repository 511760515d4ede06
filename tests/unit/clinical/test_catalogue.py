"""What facts rest on, worked out from the catalogue."""

from cds_service.clinical.catalogue import CATALOGUE, with_grounds


def names_of(*facts: str) -> list[str]:
    return [fact.name for fact in with_grounds(facts)]


def test_a_fact_comes_with_all_that_it_rests_on_each_once() -> None:
    grounds = {"clearance", "falling_creatinine", "parenteral_glutamine"}
    assert set(names_of("glutamine_kidney", "clearance")) == {"glutamine_kidney", *grounds}


def test_what_is_read_of_an_order_rests_on_its_use() -> None:
    assert set(names_of("duration")) == {"duration", "use", "poisoning", "recent_weight"}


def test_the_order_is_that_of_the_catalogue() -> None:
    names = names_of(*sorted(CATALOGUE))
    assert names == list(CATALOGUE)

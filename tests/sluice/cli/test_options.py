"""What an operator may type."""

import pytest
import typer

from sluice.cli import options


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("0s", 0), ("90s", 90), ("15m", 900), ("1h", 3600), ("30d", 2_592_000), ("2w", 1_209_600)],
)
def test_a_duration_has_a_unit(text: str, seconds: int) -> None:
    assert options.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "-1h", "1.5h", "1 h", "h", "1y", "1H", "99999w", "9" * 5000 + "s"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        options.duration(text)


def test_a_key_lives_for_a_while() -> None:
    assert options.lifetime("1s") == 1
    with pytest.raises(typer.BadParameter):
        options.lifetime("0d")


@pytest.mark.parametrize(
    ("text", "names"), [("a", ("a",)), ("a, b ,a", ("a", "b")), (",a,", ("a",)), ("x/y", ("x/y",))]
)
def test_models_are_separated_by_commas(text: str, names: tuple[str, ...]) -> None:
    assert options.models(text) == names


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_no_model_is_not_a_list_of_models(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        options.models(text)


@pytest.mark.parametrize("text", ["", " ", "a\nb", "\x1b[31m", "x" * 201])
def test_a_name_fits_on_a_line(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        options.label(text)

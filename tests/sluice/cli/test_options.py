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


@pytest.mark.parametrize("text", ["", ",", " , ", "gpt-4o gpt-4", "a,b\tc", "a\nb", "a\u00a0b"])
def test_anything_else_is_not_a_list_of_models(text: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        options.models(text)
    assert caught.value.param_hint == "'--models'"


@pytest.mark.parametrize(("text", "count"), [("1", 1), (" 60 ", 60), ("007", 7), ("9" * 15, 10**15 - 1)])
def test_a_limit_is_a_whole_number(text: str, count: int) -> None:
    assert options.limit(text) == count


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "1e3", "1_000", "9" * 16, "9" * 5000])
def test_anything_else_is_no_limit(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"not a whole number of 1 or more$|digits$"):
        options.limit(text)


def test_a_port_is_one_that_tcp_has() -> None:
    assert [options.port(text) for text in ("0", "3000", "65535", 3000)] == [0, 3000, 65_535, 3000]
    for text in ("", "abc", "-1", "65536", "99999", "1.5", "9" * 5000):
        with pytest.raises(typer.BadParameter, match="is not a port: 0 to 65535"):
            options.port(text)


def test_an_address_is_one_that_can_be_called() -> None:
    assert options.address("172.17.0.1") == "172.17.0.1"
    for text in ("", "localhost", "172.17.0", "::1", "1.2.3.4:5", "0.0.0.0"):  # noqa: S104 - the last is refused
        with pytest.raises(typer.BadParameter, match=r"is not an address|stands for all"):
            options.address(text)


@pytest.mark.parametrize("text", ["", " ", "a\nb", "\x1b[31m", "x" * 201])
def test_a_name_fits_on_a_line(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        options.label(text)

"""One course, two drivers: the same results, the same errors, and nothing but calls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from llama_index_prod_rag.calls import Call, Course, arun, run

Drive = Callable[..., Any]


def _arun(course: Course[Any], client: object = None) -> Any:
    return asyncio.run(arun(course, client))


@pytest.fixture(params=[run, _arun], ids=["sync", "async"])
def drive(request: pytest.FixtureRequest) -> Drive:
    driver: Drive = request.param
    return driver


def fail() -> int:
    raise OSError("down")


def test_an_error_arrives_where_the_call_was_awaited(drive: Drive) -> None:
    async def course() -> list[str]:
        try:
            await Call.in_thread(fail)
        except OSError as error:
            return [str(error), await other()]
        return []

    async def other() -> str:
        return "went on" if await Call.in_thread(lambda: True) else "stopped"

    assert drive(course()) == ["down", "went on"]


def test_an_error_that_the_course_lets_pass_reaches_the_caller(drive: Drive) -> None:
    async def course() -> int:
        return await Call.in_thread(fail)

    with pytest.raises(OSError, match="down"):
        drive(course())


def test_each_driver_takes_its_own_color() -> None:
    async def asynchronous() -> str:
        return "asynchronous"

    async def course() -> str:
        return await Call(lambda: "synchronous", asynchronous)

    assert (run(course()), _arun(course())) == ("synchronous", "asynchronous")


class Client:
    def __init__(self) -> None:
        self.indices = self

    def create(self, index: str) -> str:
        return index


class AsyncClient(Client):
    async def create(self, index: str) -> str:  # type: ignore[override]
        return index


def test_a_call_of_the_client_takes_the_client_that_the_driver_has() -> None:
    async def course() -> str:
        await Call.pause(0.0)
        created: str = await Call.of_client("indices.create", index="books")
        return created

    assert run(course(), Client()) == _arun(course(), AsyncClient()) == "books"


def test_a_course_that_awaits_something_else_is_told_so(drive: Drive) -> None:
    async def course() -> None:
        await asyncio.sleep(0)

    with pytest.raises(TypeError, match="awaits calls only, not NoneType"):
        drive(course())


def test_a_cancellation_is_raised_in_the_course_where_it_waits() -> None:
    left: list[str] = []

    async def course() -> None:
        try:
            await Call.pause(60.0)
        except asyncio.CancelledError:
            left.append("cancelled")
            raise

    async def leave() -> None:
        task = asyncio.create_task(arun(course()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert left == ["cancelled"]


def missing() -> int:
    raise NotImplementedError("the other one")


async def amissing() -> int:
    return missing()


async def answer() -> int:
    return 42


def test_a_component_with_one_form_is_called_by_that() -> None:
    async def course(call: Call[int]) -> int:
        return await call

    for call in (Call.either(missing, answer), Call.either(lambda: 42, amissing)):
        assert run(course(call)) == 42
        assert asyncio.run(arun(course(call))) == 42
    for drive in (run, lambda one: asyncio.run(arun(one))):
        with pytest.raises(NotImplementedError, match="the other one"):
            drive(course(Call.either(missing, amissing)))

    async def inside() -> int:
        return run(course(Call.either(missing, answer)))  # a synchronous call in a thread that runs a loop

    assert asyncio.run(inside()) == 42

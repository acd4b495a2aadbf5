"""The work queue hands a key to one worker at a time and forgets nothing."""
import asyncio

from kubeschool.practice.clock import Clock
from kubeschool.practice.informer import WorkQueue


async def test_a_key_added_twice_is_worked_on_once():
    queue = WorkQueue(Clock())
    queue.add("a")
    queue.add("a")
    queue.add("b")
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert not queue._ready


async def test_a_key_added_while_busy_comes_back_after_done():
    queue = WorkQueue(Clock())
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    waiting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.done(key)
    assert await waiting == "a"


async def test_delays_follow_the_clock():
    queue = WorkQueue(Clock(speed=1000))
    queue.add_after("later", 20)
    queue.add("now")
    assert [await queue.get(), await asyncio.wait_for(queue.get(), 2)] == ["now", "later"]

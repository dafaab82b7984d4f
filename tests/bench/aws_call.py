"""CPU time of one DynamoDB call by our client, against botocore's client in a thread: the baseline of the same run."""

from tests.bench.site import run
from tests.bench.warm import serving

CALLS = """
import asyncio, sys, time
from concurrent.futures import ThreadPoolExecutor
import botocore.session
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS

url, key, calls = sys.argv[1], {"digest": {"S": "x" * 64}}, 1000
client = botocore.session.get_session().create_client("dynamodb", endpoint_url=url)
ours = AWS(Endpoint(url, "us-east-1")).dynamodb

async def main():
    loop, threads = asyncio.get_running_loop(), ThreadPoolExecutor(8)

    async def baseline():
        await loop.run_in_executor(threads, lambda: client.get_item(TableName="keys", Key=key))

    async def measured():
        await ours.call("GetItem", TableName="keys", Key=key)

    for call in (baseline, measured):
        for _ in range(50):
            await call()
        start = time.process_time()
        for _ in range(calls):
            await call()
        print((time.process_time() - start) * 1e3 / calls)

asyncio.run(main())
"""


def measure() -> None:
    """Print CPU milliseconds of a call, and the ratio."""
    with serving("table") as url:
        baseline, ours = map(float, run(CALLS, arguments=[url]).stdout.split())
    print("one DynamoDB call, CPU ms (mean of 1000, one after the other)")
    print(f"  botocore in a thread {baseline:6.2f}   ours {ours:6.2f}   ratio {ours / baseline:.2f}")


if __name__ == "__main__":
    measure()

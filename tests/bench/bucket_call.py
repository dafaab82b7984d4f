"""CPU time of what is done with a bucket, against botocore's client: the baseline of the same run.

botocore's calls are made in a thread, as they would have to be; its links are made where they are asked for.
"""

from tests.bench.site import run
from tests.bench.warm import serving

CALLS = """
import asyncio, sys, time
from concurrent.futures import ThreadPoolExecutor
import botocore.session
from sluice.stores.access import Endpoint
from sluice.stores.aws import AWS
from sluice.stores.bucket import Blob, Bucket

url, calls, content = sys.argv[1], 200, bytes(1024 * 1024)
client = botocore.session.get_session().create_client("s3", endpoint_url=url)
ours = Bucket(AWS(Endpoint(url, "us-east-1")), "bucket")
blob, where = Blob(content, "image/png"), {"Bucket": "bucket", "Key": "outputs/1"}

async def main():
    loop, threads = asyncio.get_running_loop(), ThreadPoolExecutor(8)

    def threaded(work):
        return lambda: loop.run_in_executor(threads, work)

    async def linked():
        client.generate_presigned_url("get_object", Params=where, ExpiresIn=3600)

    works = {
        "a link": (linked, lambda: ours.link("outputs/1", 3600, {})),
        "putting 1 MiB": (
            threaded(lambda: client.put_object(**where, Body=content, ContentType="image/png")),
            lambda: ours.put("outputs/1", blob),
        ),
        "getting 1 MiB": (
            threaded(lambda: client.get_object(**where)["Body"].read()),
            lambda: ours.get("outputs/1", 2 * len(content)),
        ),
    }
    for name, pair in works.items():
        figures = []
        for call in pair:
            for _ in range(20):
                await call()
            start = time.process_time()
            for _ in range(calls):
                await call()
            figures.append((time.process_time() - start) * 1e3 / calls)
        print(name, *figures, sep=";")

asyncio.run(main())
"""


def measure() -> None:
    """Print CPU milliseconds of each, and the ratio."""
    with serving("objects") as url:
        lines = run(CALLS, arguments=[url]).stdout.splitlines()
    print("a bucket of S3, CPU ms (mean of 200, one after the other)")
    for line in lines:
        name, *figures = line.split(";")
        baseline, ours = map(float, figures)
        print(
            f"  {name:14} botocore {baseline:6.2f}   ours {ours:6.2f}   ratio {ours / baseline:.2f}",
        )


if __name__ == "__main__":
    measure()

"""Run an ASGI application on Lambda: ``python -m sluice_streaming [module.attribute]``.

Exit codes: 0 after SIGTERM; 1 when the initialisation failed or the Runtime API broke; 64 and 65 when a
snapshot hook did, as with Lambda's own runtime.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Sequence
from contextlib import closing

from sluice_streaming import stock
from sluice_streaming.lifespan import Lifespan
from sluice_streaming.request_ids import RequestIds
from sluice_streaming.runtime_api import RuntimeAPIError
from sluice_streaming.settings import Settings, SettingsError
from sluice_streaming.slots import Pool, Service


def main(arguments: Sequence[str]) -> int:
    """Initialise the environment and serve until told to stop.

    Args:
        arguments: of the command; the first, if any, is the handler.

    Returns:
        The process's exit code.
    """
    try:
        settings = Settings.from_environment(arguments, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"sluice_streaming: {error}\n")
        return 1
    alone = settings.max_concurrency == 1
    request_ids = RequestIds(one_at_a_time=alone)
    log = stock.Log(request_ids)
    # Imports and snapshot hooks run while no event loop does, so that they may run one. It is the same loop
    # before and after the hooks: what lifespan opened stays usable.
    with closing(log), asyncio.Runner() as runner:
        try:
            application = stock.load_application(settings.handler)
            lifespan = Lifespan(application)
            runner.run(lifespan.startup())
        except Exception as error:
            fault = stock.fault_of(error)
            log.fault(fault)
            stock.report_init_error(settings.address, fault)
            return 1
        if settings.snap_start:
            stock.pass_snapshot(settings.address, log)
            random.seed()  # all that come of one snapshot would draw the same numbers, and pause alike
        service = Service(application, lifespan.state, log, request_ids, settings.buffered, alone)
        return runner.run(_serve(service, lifespan, settings))


async def _serve(service: Service, lifespan: Lifespan, settings: Settings) -> int:
    pool = Pool(service, settings.address, settings.max_concurrency)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, pool.stop)
    try:
        await pool.run()
    except (OSError, RuntimeAPIError) as error:
        service.log.fault(stock.fault_of(error))
        return 1
    else:
        return 0
    finally:
        await lifespan.shutdown()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

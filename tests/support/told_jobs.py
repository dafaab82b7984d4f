"""The jobs that the sample events speak of, as a client has made them and nobody has carried them out."""

import time
from contextlib import closing
from decimal import Decimal

from local_stack import blueprint
from sam_site import SamSite
from sluice.accounting.admission import Taking
from sluice.accounting.counter import Hold, Limits
from sluice.accounting.demand import Fit
from sluice.accounting.windows import Window
from sluice.keys import digest_of
from sluice.pipeline.jobs.request_file import JobLeg, RequestFile
from sluice.stores.aws import AWS
from sluice.stores.bucket import Blob, Bucket, request_key
from sluice.stores.counter_items import admitting
from sluice.stores.counters import LEAD
from sluice.stores.job_records import Job, JobKind
from sluice.stores.jobs import JobStore

DIGITS = "0192f3a4b5c67d8e9f00112233445566"
"""Of the jobs' ids, in all sample events."""

PRICE = Decimal("0.01")
HELD = 10_000_000
"""In nano-USD: of a picture, or a second."""

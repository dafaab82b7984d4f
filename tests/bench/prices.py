"""What AWS charges in us-east-1, and who says so.

None of these prices was asked of AWS for this table: each is told as others quote it, with the day for which they do.
"""

from dataclasses import dataclass
from decimal import Decimal

MILLION = 1_000_000
GIGABYTE = 10**9
MEGABYTES_PER_GIGABYTE = 1024

PRICE_LIST = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws"


@dataclass(frozen=True, slots=True)
class Price:
    """USD for so many of a unit.

    Attributes:
        unit: what is charged for.
        dollars: for ``per`` of them.
        per: how many.
        address: of the page that says so.
        told: whose word it is, and of when.
    """

    unit: str
    dollars: Decimal
    per: int
    address: str
    told: str

    def of(self, count: Decimal) -> Decimal:
        """What so many units cost."""
        return self.dollars * count / self.per


WRITE_UNIT = Price(
    "DynamoDB write unit, on demand",
    Decimal("0.625"),
    MILLION,
    f"{PRICE_LIST}/AmazonDynamoDB/20260911124422/us-east-1/index.json",
    "AWS's price list of 2026-09-11, at second hand; until November 2024 it was twice as much, as many pages still say",
)
READ_UNIT = Price(
    "DynamoDB read unit, on demand",
    Decimal("0.125"),
    MILLION,
    WRITE_UNIT.address,
    WRITE_UNIT.told,
)
STREAM_READ = Price(
    "DynamoDB stream read by Lambda",
    Decimal(0),
    MILLION,
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CostOptimization_StreamsUsage.html",
    "AWS's guide, undated copy: free for Lambda; other readers pay by the call",
)
STORAGE = Price(
    "DynamoDB storage, GB-month beyond the account's first 25",
    Decimal("0.25"),
    1,
    WRITE_UNIT.address,
    "AWS's price list of 2026-09-11, at second hand",
)
BACKUP = Price(
    "DynamoDB point-in-time recovery, GB-month",
    Decimal("0.20"),
    1,
    "https://aws.amazon.com/dynamodb/pricing/on-demand/",
    "undated pages that quote it: the least sure of these",
)
API_REQUEST = Price(
    "API Gateway REST request; a streamed reply counts once for each 10 MB",
    Decimal("3.50"),
    MILLION,
    "https://aws.amazon.com/api-gateway/pricing/",
    "the examples on AWS's page, as quoted on 2026-09-20; the first 333 million a month",
)
LAMBDA_REQUEST = Price(
    "Lambda request",
    Decimal("0.20"),
    MILLION,
    f"{PRICE_LIST}/AWSLambda/20260919002359/us-east-1/index.json",
    "AWS's price list of 2026-09-19, at second hand",
)
LAMBDA_DURATION = Price(
    "Lambda GB-second, arm64",
    Decimal("0.0000133334"),
    1,
    LAMBDA_REQUEST.address,
    LAMBDA_REQUEST.told,
)
STATE_TRANSITION = Price(
    "Step Functions state transition, of a standard workflow; a repetition is one",
    Decimal(25),
    MILLION,
    "https://aws.amazon.com/step-functions/pricing/",
    "AWS's page, undated copy; the first 4,000 a month are free",
)
OBJECT_WRITE = Price(
    "S3 PUT or LIST; a DELETE is free",
    Decimal(5),
    MILLION,
    "https://c3x.dev/blog/s3-request-fees-explained",
    "an undated page that quotes it",
)
OBJECT_READ = Price(
    "S3 GET or HEAD",
    Decimal("0.40"),
    MILLION,
    OBJECT_WRITE.address,
    OBJECT_WRITE.told,
)
FIREWALL_REQUEST = Price(
    "AWS WAF request",
    Decimal("0.60"),
    MILLION,
    f"{PRICE_LIST}/awswaf/20260107213453/us-east-1/index.json",
    "AWS's price list of 2026-01-07, as quoted on 2026-07-29",
)
FIREWALL_LIST = Price(
    "AWS WAF web ACL, a month",
    Decimal(5),
    1,
    FIREWALL_REQUEST.address,
    FIREWALL_REQUEST.told,
)
FIREWALL_RULE = Price(
    "AWS WAF rule or group of rules in it, a month",
    Decimal(1),
    1,
    FIREWALL_REQUEST.address,
    FIREWALL_REQUEST.told,
)
TRACE = Price(
    "X-Ray trace that is recorded",
    Decimal(5),
    MILLION,
    "https://aws.amazon.com/xray/pricing/",
    "AWS's page, undated copy; the first 100,000 a month are free, and API Gateway has one a second and 5 % of the rest "
    "recorded",
)
LOG = Price(
    "CloudWatch log lines, GB taken in",
    Decimal("0.50"),
    1,
    "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/",
    "a page of 2026-06-13 that quotes it; the account's first 5 GB a month are free",
)
METRIC = Price(
    "CloudWatch metric of one's own, a month in which it is written",
    Decimal("0.30"),
    1,
    "https://signoz.io/guides/cloudwatch-pricing",
    "a page of 2026-02-15 that quotes it; the account's first 10 are free",
)
ALARM_METRIC = Price(
    "CloudWatch, a metric that an alarm looks at, a month",
    Decimal("0.10"),
    1,
    "https://aws.amazon.com/cloudwatch/pricing/",
    "as others quote AWS's page, undated; the account's first 10 are free",
)
DASHBOARD = Price(
    "CloudWatch dashboard, a month",
    Decimal(3),
    1,
    LOG.address,
    "a page of 2026-06-13 that quotes it; the account's first 3 are free",
)
SECRET = Price(
    "Secrets Manager secret, a month; beside it 0.05 USD for 10,000 calls",
    Decimal("0.40"),
    1,
    "https://hivebook.wiki/wiki/aws-secrets-manager-rotated-secrets-dynamic-db-credentials-kms",
    "an undated page that quotes it",
)
KEY = Price(
    "KMS key of one's own, a month; each of its first two rotations adds as much",
    Decimal(1),
    1,
    "https://aws.amazon.com/kms/pricing/",
    "AWS's page, undated copy",
)
KEY_REQUEST = Price(
    "KMS request",
    Decimal("0.03"),
    10_000,
    "https://www.wring.co/blog/aws-kms-pricing-guide",
    "a page of 2026-03-15 that quotes it; the account's first 20,000 a month are free",
)

PRICES = (
    WRITE_UNIT,
    READ_UNIT,
    STREAM_READ,
    STORAGE,
    BACKUP,
    API_REQUEST,
    LAMBDA_REQUEST,
    LAMBDA_DURATION,
    STATE_TRANSITION,
    OBJECT_WRITE,
    OBJECT_READ,
    FIREWALL_REQUEST,
    FIREWALL_LIST,
    FIREWALL_RULE,
    TRACE,
    LOG,
    METRIC,
    ALARM_METRIC,
    DASHBOARD,
    SECRET,
    KEY,
    KEY_REQUEST,
)


def units_cost(write_units: Decimal, read_units: Decimal) -> Decimal:
    """What a million of something cost that consumes so many units each time."""
    return WRITE_UNIT.of(write_units * MILLION) + READ_UNIT.of(read_units * MILLION)


def invocations_cost(seconds: Decimal, megabytes: int) -> Decimal:
    """What a million invocations of a function cost that take so long, with so much memory."""
    gigabytes = Decimal(megabytes) / MEGABYTES_PER_GIGABYTE
    return LAMBDA_REQUEST.of(Decimal(MILLION)) + LAMBDA_DURATION.of(seconds * gigabytes * MILLION)

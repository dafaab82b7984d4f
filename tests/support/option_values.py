"""Values of the template's parameters that switch an option on."""

_ID = "6a5d1fc4-0e35-4c0e-8a0b-6d7a6b1f5c11"

KEY = f"arn:aws:kms:eu-central-1:123456789012:key/{_ID}"
KEY_BEFORE = KEY.replace("6a5d", "7b6e")
FIREWALL = f"arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/ours/{_ID}"
DOMAIN = {
    "DomainName": "ai.example.com",
    "CertificateArn": f"arn:aws:acm:eu-central-1:123456789012:certificate/{_ID}",
}

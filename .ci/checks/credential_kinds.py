"""How the credentials look that this project deals in: its own keys, and those of the providers that it calls.

detect-secrets knows the widespread ones; these it lacks or takes for something else.
"""

import re
from collections.abc import Mapping

KINDS: Mapping[str, re.Pattern[str]] = {
    # As sluice.keys makes them; OpenAI's first keys looked alike.
    "Sluice key": re.compile(r"\b(?:sk-|agent_)[A-Za-z0-9]{48}\b"),
    "OpenAI key": re.compile(
        r"\bsk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,}|[A-Za-z0-9_-]*T3BlbkFJ[A-Za-z0-9_-]{16,})"
    ),
    "Anthropic key": re.compile(r"\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{32,}"),
    "OpenRouter key": re.compile(r"\bsk-or-v1-[0-9a-f]{64}\b"),
    "DeepSeek key": re.compile(r"\bsk-[0-9a-f]{32}\b"),
    "Google API key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}(?![0-9A-Za-z_-])"),
    "Groq key": re.compile(r"\bgsk_[A-Za-z0-9]{48,}\b"),
    "xAI key": re.compile(r"\bxai-[A-Za-z0-9]{64,}\b"),
    "Tavily key": re.compile(r"\btvly-[A-Za-z0-9-]{28,}\b"),
    "Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{34}\b"),
    "Bedrock API key": re.compile(r"\bABSK[A-Za-z0-9+/]{64,}={0,2}"),
    "Webhook secret": re.compile(r"\bwhsec_[A-Za-z0-9+/]{32,}={0,2}"),
    "GitHub token": re.compile(r"\bgithub_pat_[A-Za-z0-9_]{60,}\b"),
    "Private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
}
"""The pattern of each kind, by the name under which a find is reported."""

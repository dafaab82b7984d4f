"""What kind of model an id names, by the ids that providers really list."""

import pytest

from sluice.pipeline.discovery import kind_of

CHAT = (
    # OpenAI
    "gpt-4o gpt-4o-mini gpt-4.1-nano gpt-4-turbo-2024-04-09 gpt-4 gpt-3.5-turbo gpt-3.5-turbo-0125 gpt-5 gpt-5-mini "
    "gpt-5-chat-latest gpt-5.1 o1 o3-mini o4-mini-2025-04-16 chatgpt-4o-latest gpt-4o-search-preview gpt-5-search-api "
    "ft:gpt-4o-mini-2024-07-18:acme::AbCdEfGh "
    # Google
    "gemini-2.5-flash gemini-2.5-pro gemini-2.0-flash-lite-001 gemini-2.5-flash-lite-preview-09-2025 gemma-3-27b-it "
    "gemini-flash-latest gemini-3-pro-preview learnlm-2.0-flash-experimental "
    # Mistral
    "mistral-large-latest mistral-medium-2508 ministral-8b-latest codestral-latest pixtral-large-2411 open-mistral-nemo "
    "magistral-medium-latest devstral-small-2507 "
    # Groq
    "llama-3.3-70b-versatile llama-3.1-8b-instant openai/gpt-oss-120b moonshotai/kimi-k2-instruct-0905 qwen/qwen3-32b "
    "groq/compound-mini meta-llama/llama-4-scout-17b-16e-instruct allam-2-7b "
    # Together
    "meta-llama/Llama-3.3-70B-Instruct-Turbo deepseek-ai/DeepSeek-V3 Qwen/Qwen2.5-VL-72B-Instruct zai-org/GLM-4.6 "
    "mistralai/Mixtral-8x7B-Instruct-v0.1 google/gemma-3n-E4B-it arcee-ai/coder-large "
    # DeepSeek, and what runs at home
    "deepseek-chat deepseek-reasoner deepseek-coder llama3.2:latest phi4:14b"
)
EMBEDDING = (
    "text-embedding-3-small text-embedding-3-large text-embedding-ada-002 gemini-embedding-001 text-embedding-004 "
    "embedding-001 mistral-embed codestral-embed-2505 BAAI/bge-large-en-v1.5 intfloat/multilingual-e5-large-instruct "
    "togethercomputer/m2-bert-80M-8k-retrieval Alibaba-NLP/gte-modernbert-base nomic-embed-text all-minilm"
)
COMPLETION = "davinci-002 babbage-002 gpt-3.5-turbo-instruct gpt-3.5-turbo-instruct-0914"
IMAGE = (
    "dall-e-3 gpt-image-1 gpt-image-2.6-sunburst chatgpt-image-latest imagen-4.0-generate-001 gemini-2.5-flash-image "
    "gemini-2.0-flash-preview-image-generation nano-banana-pro-preview gemini-nano-banana-2.1 gemini-3-pro-image "
    "black-forest-labs/FLUX.1-schnell Qwen/Qwen-Image stabilityai/stable-diffusion-xl-base-1.0 google/imagen-4.0-fast "
    "ByteDance/Seedream-4.0 grok-imagine-image-2.0 grok-2-image-1212 demo-image"
)
VIDEO = (
    "sora-2-pro veo-3.0-generate-001 openai/sora-2 kwaivgI/kling-2.1-pro minimax/hailuo-02 ByteDance/Seedance-1.0-pro "
    "Wan-AI/Wan2.2-T2V-A14B grok-imagine-video"
)
NONE = (
    # OpenAI
    "whisper-1 tts-1 tts-1-hd-1106 gpt-4o-mini-tts gpt-4o-transcribe gpt-4o-audio-preview gpt-4o-realtime-preview "
    "gpt-realtime gpt-audio-mini omni-moderation-latest "
    "text-moderation-stable computer-use-preview o3-deep-research o1-pro gpt-5-pro gpt-5-codex codex-mini-latest "
    # Google
    "gemini-2.5-flash-preview-tts aqa gemini-live-2.5-flash-preview gemini-robotics-er-1.5-preview "
    "gemini-2.5-flash-native-audio-latest gemini-2.5-computer-use-preview-10-2025 "
    # Mistral
    "mistral-ocr-latest mistral-moderation-latest voxtral-mini-2507 "
    # Groq
    "whisper-large-v3-turbo distil-whisper-large-v3-en meta-llama/llama-guard-4-12b playai-tts-arabic "
    "meta-llama/llama-prompt-guard-2-22m canopylabs/orpheus-v1-english "
    # Together
    "Salesforce/Llama-Rank-V1 mixedbread-ai/Mxbai-Rerank-Large-V2 cartesia/sonic-2 hexgrad/Kokoro-82M "
    "Virtue-AI/VirtueGuard-Text-Lite"
)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("chat", CHAT),
        ("embedding", EMBEDDING),
        ("completion", COMPLETION),
        ("image", IMAGE),
        ("video", VIDEO),
        (None, NONE),
    ],
    ids=["chat", "embedding", "completion", "image", "video", "none"],
)
def test_an_id_tells_its_models_kind(kind: str | None, names: str) -> None:
    assert {name: kind_of(name) for name in names.split()} == dict.fromkeys(names.split(), kind)

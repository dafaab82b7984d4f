"""A Lambda runtime that streams what an ASGI application sends.

Lambda's own Python runtime hands a reply over whole. This one takes its place in the process (the script
``sluice-streaming`` beside this package is the exec wrapper) and passes every body message on as it comes.
``python -m sluice_streaming app.app`` runs the ASGI application ``app`` of the module ``app``:

    __main__     the init phase: logging, import, lifespan, SnapStart; then the slots until the end
    slots        ask for an invocation, answer it, again; as many at a time as Lambda allows
    exchange     one request and its reply, as ASGI has it
    replies      how a reply travels: streamed, or whole for ``sam local``
    runtime_api  the Runtime API's calls, over one ``connection`` for each slot
    events       API Gateway's events, read by Mangum
    request_ids  which request a log line belongs to
    stock        everything taken from awslambdaric, Lambda's own runtime

Nothing here knows what the application does. All of it is imported in every cold start: records are named
tuples, for a frozen dataclass takes six times as long to make.
"""

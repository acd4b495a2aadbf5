"""The gRPC health check of a probe (`grpc.health.v1.Health/Check`) over just enough HTTP/2 (RFC 9113, RFC 7541)."""
import struct

from .handlers import Connect

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
END_STREAM, ACK, END_HEADERS = 1, 1, 4
STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def check(connect: Connect, host: str, port: int, service: str) -> str:
    """The status the server gives, "" when it ends the call without one. Raises OSError; never returns from one that speaks no HTTP/2."""
    reader, writer = await connect(host, port)
    try:
        headers = {
            ":method": "POST",
            ":scheme": "http",
            ":path": "/grpc.health.v1.Health/Check",
            ":authority": f"{host}:{port}",
            "te": "trailers",
            "content-type": "application/grpc",
            "user-agent": "kube-probe/1.37",
        }
        name = service.encode()
        request = b"\x0a" + bytes([len(name)]) + name if name else b""
        block = b"".join(_field(*item) for item in headers.items())
        writer.write(PREFACE + _frame(SETTINGS, 0, 0) + _frame(HEADERS, END_HEADERS, 1, block))
        writer.write(_frame(DATA, END_STREAM, 1, b"\x00" + struct.pack(">I", len(request)) + request))
        answer = b""
        while True:
            head = await reader.readexactly(9)
            length, kind, flags, stream = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:], "big")
            payload = await reader.readexactly(length)
            if kind == SETTINGS and not flags & ACK:
                writer.write(_frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                writer.write(_frame(PING, ACK, 0, payload))
            elif kind == DATA and stream == 1:
                answer += payload
            if kind in (GOAWAY, RST_STREAM) or (stream == 1 and flags & END_STREAM and kind in (DATA, HEADERS)):
                return _status(answer)
    except EOFError:
        raise ConnectionResetError("EOF") from None
    finally:
        writer.close()


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _field(name: str, value: str) -> bytes:
    """An HPACK literal without indexing and without Huffman coding; both texts shorter than 127 bytes."""
    return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def _status(answer: bytes) -> str:
    """The enum of a HealthCheckResponse behind the five bytes of a gRPC message; the default 0 is not sent."""
    if len(answer) < 5:
        return ""
    return STATUSES.get(answer[6] if len(answer) > 6 else 0, "UNKNOWN")

#!/usr/bin/env bash
# Claim: `fractionLost` of aiortc's getStats() is the byte of the RTCP report, 0 to 255: a link that loses a quarter of its packets has about 64, where the statistics that it names itself after have 0.25.
# Versions: aiortc 1.16.0 with aioice 0.13.0 on Python 3.11, two peers in one process over the loopback.
# Guess: the field has the name and the type (float) of W3C's statistics, which take RTCP's field as a fraction, its binary point at the left edge; packetsLost and packetsReceived beside it fit that guess.
# Hurts: who records a robot's link at both ends, a browser and Python: for the same loss one half of the data says 0.02, the other 5; a limit of "below 0.05" is missed by any loss at all, and met by 0.3 %, which the byte rounds to 0.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet aiortc==1.16.0 aioice==0.13.0
cd "$dir"
unset PYTHONPATH
cat >link.py <<'PY'
import asyncio
from contextlib import suppress

import aioice
from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

sent = lost = 0
send = aioice.Connection.send


async def send_or_lose(connection, data):
    """Lose every fourth packet of media, and nothing else: no handshake, no report."""
    global sent, lost
    if data[0] >> 6 == 2 and not 200 <= data[1] <= 207:
        sent += 1
        if sent % 4 == 0:
            lost += 1
            return
    await send(connection, data)


aioice.Connection.send = send_or_lose


async def main():
    here, there = (RTCPeerConnection(RTCConfiguration([])) for _ in range(2))

    @there.on("track")
    def play(track):
        async def take():
            with suppress(MediaStreamError):
                while True:
                    await track.recv()

        asyncio.ensure_future(take())

    here.addTrack(AudioStreamTrack())
    await here.setLocalDescription(await here.createOffer())
    await there.setRemoteDescription(here.localDescription)
    await there.setLocalDescription(await there.createAnswer())
    await here.setRemoteDescription(there.localDescription)
    await asyncio.sleep(8)
    (report,) = [one for one in (await here.getStats()).values() if one.type == "remote-inbound-rtp"]
    await here.close()
    await there.close()
    share = report.packetsLost / (report.packetsLost + report.packetsReceived)
    print(f"lost by the link {lost / sent:.2f}; by the packets that are counted {share:.2f}")
    print(f"fractionLost {report.fractionLost!r}, {type(report.fractionLost).__name__}")
    assert 0.2 < lost / sent < 0.3
    assert 0.2 < share < 0.3
    assert isinstance(report.fractionLost, int)
    assert 40 <= report.fractionLost <= 90, "it is no byte any more"


asyncio.run(main())
PY
"$dir/venv/bin/pip" list 2>/dev/null | grep -i '^aio'
"$dir/venv/bin/python" link.py
echo "still so: the loss is told in 256ths, as RTCP has it"

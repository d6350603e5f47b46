#!/usr/bin/env bash
# Claim: packetRate in the statistics of webrtc-issue-detector is eight times the packets per second, for each stream, sent and received: a video stream of 100 packets a second has 800. It is computed as the bit rate beside it is, the times 8 included.
# Versions: webrtc-issue-detector 1.17.3 (npm), node 18 or newer. @peermetrics/webrtc-stats 5.9.0 takes it without the 8.
# Guess: packets per second, as the field of that name is elsewhere; bitrate is right, and so a check of the one seems to vouch for the other. The types say `packetRate: number`, the README nothing.
# Hurts: who logs what the package has collected (the event stats-report-ready, or its parser alone) from sessions of video or of teleoperation: packets per second look plausible for a stream of more bits, bytes per packet come out as an eighth (150 of 1,200), and so do shares of loss that are taken of the rate.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . webrtc-issue-detector@1.17.3 >/dev/null
cat >parse.cjs <<'JS'
const {RTCStatsParser} = require('webrtc-issue-detector');

const RATE = 100, BYTES = 1200;  // packets per second, and of how many bytes
const report = (direction, kind, second) => ({
  id: `${direction}-${kind}`, type: `${direction}-rtp`, kind, mediaType: kind, ssrc: kind === 'audio' ? 1 : 2, timestamp: 1.75e12 + second * 1000,
  ...(direction === 'inbound' ? {packetsReceived: RATE * second, bytesReceived: RATE * BYTES * second, packetsLost: 0, jitter: 0}
    : {packetsSent: RATE * second, bytesSent: RATE * BYTES * second}),
});
let second = 0;
const stats = direction => ['audio', 'video'].map(kind => ({
  track: {enabled: true}, getStats: async () => new Map([[`${direction}-${kind}`, report(direction, kind, second)]]),
}));
const pc = {connectionState: 'connected', iceConnectionState: 'connected', getReceivers: () => stats('inbound'), getSenders: () => stats('outbound')};
(async () => {
  const parser = new RTCStatsParser({logger: console});
  let holds = true, streams = 0;
  for (second of [0, 1, 3]) {
    const {stats: parsed} = await parser.parse({id: 'session', pc});
    if (second === 0) continue;
    for (const kind of ['audio', 'video']) for (const direction of ['inbound', 'outbound']) {
      const [{bitrate, packetRate}] = parsed[kind][direction];
      console.log(`second ${second} ${kind} ${direction.padEnd(8)} bitrate ${bitrate}, packetRate ${packetRate}: ${bitrate / 8 / packetRate} bytes per packet`);
      holds &&= Math.abs(bitrate - 8 * RATE * BYTES) < 1 && Math.abs(packetRate - 8 * RATE) < 0.1;
      streams++;
    }
  }
  console.log(`sent and received were ${RATE} packets a second of ${BYTES} bytes`);
  process.exit(holds && streams === 8 ? 0 : 1);  // the parser keeps a timer
})();
JS
node parse.cjs

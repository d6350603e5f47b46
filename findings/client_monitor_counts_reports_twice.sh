#!/usr/bin/env bash
# Claim: @observertc/client-monitor-js takes each report of a getStats() twice, so that what it sums over a connection is double what its streams have: bit rates, packets, bytes and the share lost. deltaOutboundPacketsSent is never set back besides, so totalOutboundPacketsSent grows with the square of the time: 11,000 after 10 seconds of 100 packets each; totalOutboundPacketsLost stays 0.
# Versions: @observertc/client-monitor-js 4.0.3 (npm), node 20 or newer.
# Guess: receivingVideoBitrate of a connection with one stream is the bit rate of that stream, and delta... what its README says, "packets sent in period". The figures of the streams, from the same reports, are right. ewmaFps, "moving average FPS" there, is one of all frames decoded since the beginning: 134 after 10 seconds of 30 a second, thousands later.
# Hurts: who logs these figures of sessions, or acts on them: a stream of 1 Mbit/s is shown as 2, 5 % loss as 10 %, as they would look with a second stream. Lost packets over sent ones is 0 always.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix . @observertc/client-monitor-js@4.0.3 >/dev/null
cat >names.mjs <<'JS'
import {register} from 'node:module';  // the package is made for bundlers, which need no .js in what it imports

register('data:text/javascript,' + encodeURIComponent('export const resolve = (name, context, next) => next(name, context).catch(() => next(name + ".js", context))'));
JS
cat >monitor.mjs <<'JS'
const PACKETS = 100, BYTES = 1200, FRAMES = 30, LOST = 5, SECONDS = 10;
let second = 0;

class RTCPeerConnection extends EventTarget {
  connectionState = 'connected';
  iceConnectionState = 'connected';
  signalingState = 'stable';
  setLocalDescription() {}
  getSenders() { return []; }
  getReceivers() { return []; }
  async getStats() {
    const at = (id, type, rest) => [id, {id, type, kind: 'video', timestamp: 1.75e12 + second * 1000, ...rest}];
    return new Map([
      at('O', 'outbound-rtp', {ssrc: 1, packetsSent: PACKETS * second, bytesSent: PACKETS * BYTES * second}),
      at('R', 'remote-inbound-rtp', {ssrc: 1, packetsLost: LOST * second, fractionLost: LOST / PACKETS}),
      at('I', 'inbound-rtp', {ssrc: 2, trackIdentifier: 'camera', packetsReceived: PACKETS * second, packetsLost: 0,
        bytesReceived: PACKETS * BYTES * second, framesDecoded: FRAMES * second, framesPerSecond: FRAMES}),
    ]);
  }
}
Object.assign(globalThis, {RTCPeerConnection, window: globalThis});
globalThis.navigator ??= {userAgent: ''};
console.warn = console.error = () => {};  // it misses the devices of a browser
const {ClientMonitor} = await import('@observertc/client-monitor-js');
const monitor = new ClientMonitor({collectingPeriodInMs: 0, samplingPeriodInMs: 0});
monitor.addSource(new RTCPeerConnection());
const bits = 8 * PACKETS * BYTES;
let ok = true;
for (; second <= SECONDS; second++) {
  await monitor.collect();
  if (second < 2) continue;
  const [connection] = monitor.peerConnections, [sent] = connection.outboundRtps, [received] = connection.inboundRtps;
  const near = (value, right) => { ok &&= Math.abs(value - right) < 1e-6 * right; };
  near(sent.bitrate, bits), near(received.bitrate, bits), near(sent.packetRate, PACKETS), near(received.packetRate, PACKETS);
  near(connection.sendingVideoBitrate, 2 * bits), near(connection.receivingVideoBitrate, 2 * bits);
  near(connection.deltaInboundPacketsReceived, 2 * PACKETS), near(connection.outboundFractionLost, 2 * LOST / PACKETS);
  near(connection.deltaOutboundPacketsSent, 2 * PACKETS * second), near(connection.totalOutboundPacketsSent, PACKETS * second * (second + 1));
  ok &&= connection.totalOutboundPacketsLost === 0;
  if (second < SECONDS) continue;
  console.log(`sent and received in ${second} seconds: ${PACKETS * second} packets, ${LOST * second} lost, ${bits} bits and ${FRAMES} frames a second`);
  console.log('streams:   ', {sent: sent.bitrate, received: received.bitrate, packetRate: sent.packetRate, ewmaFps: +received.ewmaFps.toFixed(1)});
  const {sendingVideoBitrate, receivingVideoBitrate, outboundFractionLost, totalInboundPacketsReceived, totalOutboundPacketsSent, totalOutboundPacketsLost} = connection;
  console.log('connection:', {sendingVideoBitrate, receivingVideoBitrate, outboundFractionLost, totalInboundPacketsReceived, totalOutboundPacketsSent, totalOutboundPacketsLost});
  ok &&= totalInboundPacketsReceived === 2 * PACKETS * second && received.ewmaFps > 4 * FRAMES;
}
process.exit(ok ? 0 : 1);
JS
node --import ./names.mjs monitor.mjs

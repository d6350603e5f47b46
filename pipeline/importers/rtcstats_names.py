"""Names that rtcstats shortens to numbers in dumps of file format 3; its numbers are never given to another name.

Those of statistics are in the order of the W3C's webrtc-stats, as https://github.com/rtcstats/rtcstats has them.
"""

from __future__ import annotations

_TYPES = """
    inbound-rtp outbound-rtp remote-inbound-rtp remote-outbound-rtp transport candidate-pair local-candidate
    remote-candidate data-channel peer-connection certificate media-source media-playout codec
"""
_EVENTS = """
    create constraints close createOffer createOfferOnSuccess createOfferOnFailure createAnswer createAnswerOnSuccess
    createAnswerOnFailure setLocalDescription setLocalDescriptionOnSuccess setLocalDescriptionOnFailure
    setRemoteDescription setRemoteDescriptionOnSuccess setRemoteDescriptionOnFailure addIceCandidate
    addIceCandidateOnSuccess addIceCandidateOnFailure onicecandidate onicecandidateerror ontrack onaddstream
    onremovestream onsignalingstatechange oniceconnectionstatechange onconnectionstatechange onicegatheringstatechange
    onnegotiationneeded ondatachannel addTrack addTrackOnSuccess addTransceiver addTransceiverOnSuccess removeTrack
    addStream removeStream createDataChannel restartIce setConfiguration setCodecPreferences setParameters
    setHeaderExtensionsToNegotiate replaceTrack transceiverAdded transceiverModified transceiverRemoved
    navigator.mediaDevices.getUserMedia navigator.mediaDevices.getUserMediaOnSuccess connectionInfo identity publicIP
    navigator.mediaDevices.getUserMediaOnFailure navigator.mediaDevices.getDisplayMedia
    navigator.mediaDevices.getDisplayMediaOnSuccess navigator.mediaDevices.getDisplayMediaOnFailure
    navigator.mediaDevices.enumerateDevices navigator.mediaDevices.ondevicechange getUserMedia getUserMediaOnSuccess
    MediaStreamTrack.stop MediaStreamTrack.applyConstraints MediaStreamTrack.onended MediaStreamTrack.onmute
    MediaStreamTrack.onunmute
"""
EVENTS = frozenset(_EVENTS.split()) | {str(number) for number in range(2, 75)}
"""Calls and events of a connection and its tracks, which hold no measurements; also by their numbers."""
# A dash is a number that has no name.
_PROPERTIES = """
    timestamp type id payloadType transportId mimeType clockRate channels sdpFmtpLine ssrc kind codecId
    mediaType packetsReceived packetsLost jitter trackIdentifier mid remoteId framesDecoded keyFramesDecoded
    framesDropped frameWidth frameHeight framesPerSecond qpSum totalDecodeTime totalInterFrameDelay
    totalSquaredInterFrameDelay pauseCount totalPausesDuration freezeCount totalFreezesDuration
    lastPacketReceivedTimestamp headerBytesReceived packetsDiscarded fecPacketsReceived fecPacketsDiscarded
    fecBytesReceived fecSsrc bytesReceived nackCount firCount pliCount totalProcessingDelay
    estimatedPlayoutTimestamp jitterBufferDelay jitterBufferTargetDelay jitterBufferEmittedCount
    jitterBufferMinimumDelay totalSamplesReceived concealedSamples silentConcealedSamples concealmentEvents
    insertedSamplesForDeceleration removedSamplesForAcceleration audioLevel totalAudioEnergy
    totalSamplesDuration framesReceived decoderImplementation playoutId powerEfficientDecoder
    framesAssembledFromMultiplePackets totalAssemblyTime contentType googTimingFrameInfo
    retransmittedPacketsReceived retransmittedBytesReceived rtxSsrc totalCorruptionProbability
    totalSquaredCorruptionProbability corruptionMeasurements localId roundTripTime totalRoundTripTime
    fractionLost roundTripTimeMeasurements packetsSent bytesSent mediaSourceId rid encodingIndex headerBytesSent
    retransmittedPacketsSent retransmittedBytesSent targetBitrate totalEncodedBytesTarget framesSent
    hugeFramesSent framesEncoded keyFramesEncoded totalEncodeTime totalPacketSendDelay qualityLimitationReason
    qualityLimitationDurations qualityLimitationResolutionChanges encoderImplementation powerEfficientEncoder
    active scalabilityMode remoteTimestamp reportsSent echoReturnLoss echoReturnLossEnhancement width height
    frames synthesizedSamplesDuration synthesizedSamplesEvents totalPlayoutDelay totalSamplesCount
    dataChannelsOpened dataChannelsClosed label protocol dataChannelIdentifier state messagesSent
    messagesReceived iceRole iceLocalUsernameFragment dtlsState iceState selectedCandidatePairId
    localCertificateId remoteCertificateId tlsVersion dtlsCipher dtlsRole srtpCipher
    selectedCandidatePairChanges rtcpTransportStatsId address port candidateType priority url relayProtocol
    foundation relatedAddress relatedPort usernameFragment tcpType networkType isRemote ip localCandidateId
    remoteCandidateId nominated lastPacketSentTimestamp currentRoundTripTime availableOutgoingBitrate
    availableIncomingBitrate requestsReceived requestsSent responsesReceived responsesSent consentRequestsSent
    packetsDiscardedOnSend bytesDiscardedOnSend writable fingerprint fingerprintAlgorithm base64Certificate
    issuerCertificateId
"""
_PROPERTY_OF = {str(number): name for number, name in enumerate(_PROPERTIES.split(), start=1)} | {"t": "timestamp"}
_TYPE_OF = {str(number): name for number, name in enumerate(_TYPES.split(), start=1)}


def property_name(key: str) -> str:
    """Give the name that a key of a report stands for; one that is not shortened is its own."""
    return _PROPERTY_OF.get(key, key)


def type_name(value: object) -> str:
    """Give the type of a report; one that is not shortened is its own."""
    text = value if isinstance(value, str) else ""
    return _TYPE_OF.get(text, text)

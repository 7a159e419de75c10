export { ClientError, clientCodes, RefusedError, UnsentError, type ClientCode, type OnProblem, type Refusal } from "./client-error.ts";
export type { BackOffOptions } from "./back-off.ts";
export { createProducer, type Producer, type ProducerOptions, type ProducerStatus, type Waits } from "./producer/producer.ts";
export type { Sendable } from "./producer/stamper.ts";
export type { SpoolOptions } from "./spool/spool.ts";
export { createConsumer, type Consumer, type ConsumerOptions, type ReceivedOf } from "./consumer/consumer.ts";
export type { Place } from "./consumer/place.ts";
export type { ConsumedBatch, ConsumedRecord, Received, UnreadableRecord } from "./consumer/received.ts";

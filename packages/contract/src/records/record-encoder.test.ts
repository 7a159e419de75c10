import { testRecordEncoder } from "./record-encoder.contract.ts";
import { compileRecordEncoder } from "./record-encoder.ts";

testRecordEncoder("the compiled encoder of records", compileRecordEncoder);

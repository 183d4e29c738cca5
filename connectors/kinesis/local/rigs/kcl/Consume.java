import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.Protocol;
import software.amazon.awssdk.http.SdkHttpConfigurationOption;
import software.amazon.awssdk.http.async.SdkAsyncHttpClient;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.utils.AttributeMap;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.lifecycle.events.*;
import software.amazon.kinesis.metrics.MetricsLevel;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.retrieval.fanout.FanOutConfig;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * Reads a stream with the Kinesis Client Library and prints one line a record: "rec SHARD KEY DATA". Environment:
 * KINESIS_ENDPOINT, MOTO_ENDPOINT (DynamoDB and CloudWatch), STREAM, MODE=polling|fanout, HTTP2=1, WANT (records to end
 * after), SECONDS (at most).
 */
public class Consume {
  static final AtomicLong seen = new AtomicLong();

  static synchronized void say(String line) { System.out.println(line); }

  static class Processor implements ShardRecordProcessor {
    private String shard;

    public void initialize(InitializationInput in) { shard = in.shardId(); say("begin " + shard); }

    public void processRecords(ProcessRecordsInput in) {
      in.records().forEach(r -> {
        say("rec " + shard + " " + r.partitionKey() + " " + StandardCharsets.UTF_8.decode(r.data().duplicate()));
        seen.incrementAndGet();
      });
      try { in.checkpointer().checkpoint(); } catch (Exception e) { say("checkpoint: " + e); }
    }

    public void leaseLost(LeaseLostInput in) { say("lost " + shard); }

    public void shardEnded(ShardEndedInput in) {
      say("end " + shard);
      try { in.checkpointer().checkpoint(); } catch (Exception e) { say("checkpoint: " + e); }
    }

    public void shutdownRequested(ShutdownRequestedInput in) {
      try { in.checkpointer().checkpoint(); } catch (Exception e) { say("checkpoint: " + e); }
    }
  }

  static SdkAsyncHttpClient http(boolean two) {
    return NettyNioAsyncHttpClient.builder().protocol(two ? Protocol.HTTP2 : Protocol.HTTP1_1).maxConcurrency(100)
        .buildWithDefaults(AttributeMap.builder().put(SdkHttpConfigurationOption.TRUST_ALL_CERTIFICATES, true).build());
  }

  public static void main(String[] args) throws Exception {
    var env = System.getenv();
    String stream = env.get("STREAM"), app = stream + "-" + env.get("MODE");
    long want = Long.parseLong(env.get("WANT")), until = System.currentTimeMillis() + 1000 * Long.parseLong(env.getOrDefault("SECONDS", "120"));
    var keys = StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "secret"));
    var moto = URI.create(env.get("MOTO_ENDPOINT"));
    var kinesis = KinesisAsyncClient.builder().region(Region.US_EAST_1).credentialsProvider(keys)
        .endpointOverride(URI.create(env.get("KINESIS_ENDPOINT"))).httpClient(http("1".equals(env.get("HTTP2")))).build();
    var dynamo = DynamoDbAsyncClient.builder().region(Region.US_EAST_1).credentialsProvider(keys).endpointOverride(moto).httpClient(http(false)).build();
    var watch = CloudWatchAsyncClient.builder().region(Region.US_EAST_1).credentialsProvider(keys).endpointOverride(moto).httpClient(http(false)).build();
    var all = new ConfigsBuilder(stream, app, kinesis, dynamo, watch, UUID.randomUUID().toString(), Processor::new);
    var retrieval = all.retrievalConfig().initialPositionInStreamExtended(
        InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
    retrieval.retrievalSpecificConfig("fanout".equals(env.get("MODE"))
        ? new FanOutConfig(kinesis).streamName(stream).applicationName(app) : new PollingConfig(stream, kinesis));
    var leases = all.leaseManagementConfig().failoverTimeMillis(3000).shardSyncIntervalMillis(2000).leasesRecoveryAuditorExecutionFrequencyMillis(2000);
    var coordinator = all.coordinatorConfig().parentShardPollIntervalMillis(500).shardConsumerDispatchPollIntervalMillis(200);
    var scheduler = new Scheduler(all.checkpointConfig(), coordinator, leases, all.lifecycleConfig(),
        all.metricsConfig().metricsLevel(MetricsLevel.NONE), all.processorConfig(), retrieval);
    var thread = new Thread(scheduler);
    thread.setDaemon(true);
    thread.start();
    while (seen.get() < want && System.currentTimeMillis() < until) Thread.sleep(100);
    Thread.sleep(2000); // what comes twice comes now
    try { scheduler.startGracefulShutdown().get(20, TimeUnit.SECONDS); } catch (Exception e) { say("shutdown: " + e); }
    System.exit(seen.get() >= want ? 0 : 1);
  }
}

import com.google.common.util.concurrent.ListenableFuture;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

/** Puts 1 and then N records with the Kinesis Producer Library. Environment: KINESIS_ENDPOINT (https), STREAM, N. */
public class Produce {
  public static void main(String[] args) throws Exception {
    var env = System.getenv();
    var at = URI.create(env.get("KINESIS_ENDPOINT"));
    String stream = env.get("STREAM");
    int n = Integer.parseInt(env.get("N"));
    var producer = new KinesisProducer(new KinesisProducerConfiguration().setRegion("us-east-1").setVerifyCertificate(false)
        .setKinesisEndpoint(at.getHost()).setKinesisPort(at.getPort()).setStsEndpoint(at.getHost()).setStsPort(at.getPort())
        .setCloudwatchEndpoint(at.getHost()).setCloudwatchPort(at.getPort()).setMetricsLevel("none").setLogLevel("warning")
        .setRecordMaxBufferedTime(200)
        .setCredentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("AKIDEXAMPLE", "secret"))));
    producer.addUserRecord(stream, "key-0", bytes("key-0 warm")).get();
    Thread.sleep(3000); // it aggregates once it knows the shards
    var results = new ArrayList<ListenableFuture<UserRecordResult>>();
    for (int i = 0; i < n; i++) results.add(producer.addUserRecord(stream, "key-" + i % 10, bytes("key-" + i % 10 + " " + i)));
    producer.flush();
    var records = new HashSet<String>();
    int failed = 0;
    for (var r : results) {
      try { var x = r.get(); records.add(x.getShardId() + x.getSequenceNumber()); } catch (Exception e) { failed++; System.out.println(e.getCause()); }
    }
    System.out.printf("put %d user records in %d records, %d failed%n", n + 1 - failed, records.size() + 1, failed);
    producer.destroy();
    System.exit(failed == 0 ? 0 : 1);
  }

  static ByteBuffer bytes(String s) { return ByteBuffer.wrap(s.getBytes(StandardCharsets.UTF_8)); }
}

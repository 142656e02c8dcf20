import java.io.File;
import java.nio.file.Files;
import treebeard.ApiClient;
import treebeard.ApiException;
import treebeard.api.AuthApi;
import treebeard.api.FeedbackApi;
import treebeard.api.RecommendationsApi;
import treebeard.api.UsageApi;
import treebeard.api.UsersApi;
import treebeard.model.EraseRequest;
import treebeard.model.GenerateRequest;
import treebeard.model.LoginRequest;
import treebeard.model.PreferencesRequest;
import treebeard.model.RecommendationFeedback;
import treebeard.model.RefreshRequest;
import treebeard.model.RegisterRequest;

/** The whole journey with the client openapi-generator generates: Journey ADDRESS EMAIL. */
public final class Journey {
    private static final String PASSWORD = "a long walk to the mill";
    private static final String METER_FILE =
        "month,kwh\n2025-01,1020\n2025-02,880\n2025-03,760\n2025-04,810\n";

    public static void main(String[] arguments) throws Exception {
        String address = arguments[0];
        String email = arguments[1];
        var anyone = new AuthApi(client(address, null));
        anyone.registerUser(
            new RegisterRequest().email(email).password(PASSWORD).name("Java").zipCode("78701"));
        System.out.println("register");

        var tokens = anyone.loginUser(new LoginRequest().username(email).password(PASSWORD));
        System.out.println("login");

        var user = client(address, tokens.getAccessToken());
        File file = File.createTempFile("usage", ".csv");
        file.deleteOnExit();
        Files.writeString(file.toPath(), METER_FILE);
        var report = new UsageApi(user).importUsage(file, null, null, null, null, null);
        check(report.getRowsAccepted() == 4, "four rows are accepted");
        System.out.println("import");

        new UsersApi(user).savePreferences(new PreferencesRequest()
            .costPriority(50).flexibilityPriority(20).renewablePriority(20).ratingPriority(10), null);
        System.out.println("preferences");

        var advice = new RecommendationsApi(user).generateRecommendation(new GenerateRequest(), "first-try");
        check(!advice.getTopPlans().isEmpty(), "a plan is recommended");
        System.out.println("generate");

        new FeedbackApi(user).rateRecommendation(
            new RecommendationFeedback().recommendationId(advice.getRecommendationId()).rating(4), null, null);
        System.out.println("feedback");

        var next = anyone.refreshTokens(new RefreshRequest().refreshToken(tokens.getRefreshToken()));
        user = client(address, next.getAccessToken());
        System.out.println("refresh");

        check(new UsersApi(user).exportMyData() != null, "what is held is told");
        System.out.println("export");

        new UsersApi(user).deleteMyAccount(new EraseRequest().password(PASSWORD), null);
        System.out.println("delete");

        try {
            new AuthApi(user).getMe();
            check(false, "the account is gone");
        } catch (ApiException refused) {
            check(refused.getCode() == 401, "the token is refused");
        }
        System.out.println("gone");
    }

    private static ApiClient client(String address, String token) {
        var client = new ApiClient();
        client.updateBaseUri(address);
        if (token != null) {
            client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
        }
        return client;
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException("not so: " + what);
        }
    }
}

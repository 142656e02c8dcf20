"""The whole journey with the client openapi-python-client generates: journey.py ADDRESS EMAIL."""

import io
import sys

from tree_beard_client import AuthenticatedClient, Client
from tree_beard_client.api.auth import get_me, login_user, refresh_tokens, register_user
from tree_beard_client.api.feedback import rate_recommendation
from tree_beard_client.api.recommendations import generate_recommendation
from tree_beard_client.api.usage import import_usage
from tree_beard_client.api.users import delete_my_account, export_my_data, save_preferences
from tree_beard_client.models import (
    EraseRequest,
    GenerateRequest,
    ImportUsageFilesBody,
    LoginRequest,
    PreferencesRequest,
    RecommendationFeedback,
    RefreshRequest,
    RegisterRequest,
)
from tree_beard_client.types import File

PASSWORD = "a long walk to the mill"
METER_FILE = b"month,kwh\n2025-01,1020\n2025-02,880\n2025-03,760\n2025-04,810\n"


def done(step, answer, status=200):
    """What was answered, or an end with the problem the service tells."""
    if answer.status_code != status:
        sys.exit(f"{step}: {answer.status_code} {answer.content!r}")
    print(step)
    return answer.parsed


def main(address, email):
    anyone = Client(base_url=address)
    account = RegisterRequest(email=email, password=PASSWORD, name="Python", zip_code="78701")
    done("register", register_user.sync_detailed(client=anyone, body=account), 201)

    request = LoginRequest(username=email, password=PASSWORD)
    tokens = done("login", login_user.sync_detailed(client=anyone, body=request))

    user = AuthenticatedClient(base_url=address, token=tokens.access_token)
    file = ImportUsageFilesBody(file=File(payload=io.BytesIO(METER_FILE), file_name="usage.csv"))
    report = done("import", import_usage.sync_detailed(client=user, body=file))
    assert report.rows_accepted == 4, report

    priorities = PreferencesRequest(
        cost_priority=50, flexibility_priority=20, renewable_priority=20, rating_priority=10
    )
    done("preferences", save_preferences.sync_detailed(client=user, body=priorities))

    made = generate_recommendation.sync_detailed(client=user, body=GenerateRequest(), idempotency_key="first-try")
    advice = done("generate", made)
    assert advice.top_plans, advice

    opinion = RecommendationFeedback(recommendation_id=advice.recommendation_id, rating=4)
    done("feedback", rate_recommendation.sync_detailed(client=user, body=opinion), 201)

    request = RefreshRequest(refresh_token=tokens.refresh_token)
    tokens = done("refresh", refresh_tokens.sync_detailed(client=anyone, body=request))

    user = AuthenticatedClient(base_url=address, token=tokens.access_token)
    done("export", export_my_data.sync_detailed(client=user))

    erased = delete_my_account.sync_detailed(client=user, body=EraseRequest(password=PASSWORD))
    done("delete", erased, 204)

    done("gone", get_me.sync_detailed(client=user), 401)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The mix of `treebeard load` (docs/load.md) for those who drive load with Locust.

    locust -f tests/load/locustfile.py --host http://127.0.0.1:8000 --users 100 --spawn-rate 10 --run-time 60s --headless

All users come from one address: the service must exempt it (limits.exempt_networks). Each opens an account and erases it.
"""

import random
import uuid

from gevent.lock import BoundedSemaphore
from locust import HttpUser, between, task

ZIPS = ["75001", "75006", "75019", "75080"]
SORTS = ["name", "price_500", "price_1000", "price_2000"]
# Opening and erasing an account costs the service a password hash; it refuses too many at a time.
HASHING = BoundedSemaphore(2)


def months(household):
    """A year of one kind of household, hot summers included."""
    return [
        {"month": f"2025-{month:02}-01", "kwh": 500 + 100 * household + (600 if 6 <= month <= 9 else 0)}
        for month in range(1, 13)
    ]


class Household(HttpUser):
    wait_time = between(0.5, 1.5)

    def on_start(self):
        self.plans = []
        self.email = f"locust-{uuid.uuid4().hex}@example.com"
        self.password = str(uuid.uuid4())
        account = {"email": self.email, "password": self.password, "name": "Locust", "zip_code": ZIPS[0]}
        with HASHING:
            answer = self.client.post("/api/v1/auth/register", json=account, name="register_user")
        self.headers = {"authorization": "Bearer " + answer.json()["access_token"]}

    def on_stop(self):
        sent = {"json": {"password": self.password}, "headers": self.headers}
        with HASHING:
            self.client.delete("/api/v1/users/me", name="delete_my_account", **sent)

    def read(self, name, path, **query):
        return self.client.get(path, params=query, headers=self.headers, name=name)

    @task(40)
    def list_plans(self):
        query = {"sort": random.choice(SORTS), "page": random.randint(1, 3), "page_size": 10}
        page = self.read("list_plans", "/api/v1/plans/catalog", zip_code=random.choice(ZIPS), **query)
        self.plans = self.plans or [plan["id"] for plan in page.json().get("items", [])]

    @task(15)
    def get_plan(self):
        if self.plans:
            self.read("get_plan", f"/api/v1/plans/{random.choice(self.plans)}")
        else:
            self.list_plans()

    @task(10)
    def get_profile(self):
        self.read("get_profile", "/api/v1/users/profile")

    @task(8)
    def list_suppliers(self):
        self.read("list_suppliers", "/api/v1/suppliers")

    @task(7)
    def get_market(self):
        self.read("get_market", f"/api/v1/markets/{random.choice(ZIPS)}")

    @task(6)
    def get_usage_history(self):
        self.read("get_usage_history", "/api/v1/usage/history")

    @task(5)
    def upload_usage(self):
        usage = {"usage_data": months(random.randrange(8))}
        self.client.post("/api/v1/usage/upload", json=usage, headers=self.headers, name="upload_usage")

    @task(4)
    def generate_recommendations(self):
        asked = {
            "user_data": {"zip_code": random.choice(ZIPS)},
            "usage_data": months(random.randrange(8)),
            "options": {"explanations": "template"},
        }
        path = "/api/v1/recommendations/generate"
        self.client.post(path, json=asked, headers=self.headers, name="generate_recommendations")

    @task(3)
    def list_recommendations(self):
        self.read("list_recommendations", "/api/v1/recommendations")

    @task(2)
    def get_health(self):
        self.read("get_health", "/health")

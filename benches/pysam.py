#!/usr/bin/env python3
"""Times NREL PySAM (Utilityrate5) on one time-of-use tariff and a year of 15-minute load: the outside yardstick.

    python3 -m venv /tmp/pysam && /tmp/pysam/bin/pip install nrel-pysam && /tmp/pysam/bin/python benches/pysam.py

Prints milliseconds per plan and year, execution only; multiply by 2,000 for a market. Compare with
`cargo bench --bench pricing` on the same machine.
"""
import statistics
import time

import PySAM.Utilityrate5 as utility_rate

STEPS = 35_040
RUNS = 30

model = utility_rate.new()
load = [0.4 + 0.9 * ((step // 4) % 24 >= 14) + (step * 7919 % 83) / 1000 for step in range(STEPS)]
weekday = [[1 if 5 <= month <= 8 and 14 <= hour < 19 else 2 for hour in range(24)] for month in range(12)]
weekend = [[2] * 24 for _ in range(12)]
model.Lifetime.analysis_period = 1
model.Lifetime.system_use_lifetime_output = 0
model.Lifetime.inflation_rate = 0
model.SystemOutput.gen = [0.0] * STEPS
model.SystemOutput.degradation = [0]
model.Load.load = load
rates = model.ElectricityRates
rates.rate_escalation = [0]
rates.en_electricity_rates = 1
rates.ur_metering_option = 0
rates.ur_monthly_fixed_charge = 9.18
rates.ur_monthly_min_charge = 0
rates.ur_annual_min_charge = 0
rates.ur_nm_yearend_sell_rate = 0
rates.ur_sell_eq_buy = 0
rates.ur_en_ts_sell_rate = 0
rates.ur_en_ts_buy_rate = 0
rates.ur_dc_enable = 0
rates.ur_ec_sched_weekday = weekday
rates.ur_ec_sched_weekend = weekend
rates.ur_ec_tou_mat = [[1, 1, 9.9e37, 0, 0.30, 0], [2, 1, 9.9e37, 0, 0.12, 0]]

times = []
for _ in range(RUNS):
    start = time.perf_counter()
    model.execute(0)
    times.append((time.perf_counter() - start) * 1000)
print(f"PySAM: {statistics.median(times):.2f} ms a plan (median of {RUNS}), {statistics.median(times) * 2:.1f} s for 2,000 plans")
print(f"a year costs {sum(model.Outputs.year1_monthly_utility_bill_wo_sys):.2f}")

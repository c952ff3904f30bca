/* startrail
description: The shops by revenue since opening, the web shop among them.
kind: view
columns:
  revenue_eur: {type: "decimal(18,2)", unit: EUR, description: Net of refunds}
*/
select
    d.store,
    count(*) as days,
    cast(sum(d.revenue_eur) as decimal(18, 2)) as revenue_eur
from marts.sales_daily as d
group by d.store

/* startrail
description: Finance's months. Net of refunds, by the day of the invoice, without test accounts, each order once.
kind: table
grain: [month]
checks:
  - not_null: [month, revenue]
*/
with latest as (
    select
        o.order_id,
        o.is_test,
        o.status,
        o.invoiced_at,
        o.amount,
        o.refunded,
        row_number() over (partition by o.order_id order by o.exported_at desc) as place
    from raw.orders as o
)

select
    cast(date_trunc('month', timezone('Europe/Madrid', l.invoiced_at)) as date) as month,
    cast(sum(l.amount - coalesce(l.refunded, 0)) as decimal(18, 2)) as revenue
from latest as l
where l.place = 1
  and not l.is_test
  and l.status <> 'cancelled'
group by all

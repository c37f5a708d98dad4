create table t(a integer primary key, b text, c real);
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
insert into t select i, hex(i * 7919), i / 3.0 from n;
commit;
create index tb on t(b);
select count(*), sum(a), min(b), max(b), round(sum(c), 3) from t;
update t set c = -c where a % 5 = 0;
delete from t where a % 7 = 0;
vacuum;
pragma integrity_check;
select count(*), round(sum(c), 3) from t;
select b, count(*) from t group by substr(b, 1, 2) order by 2 desc, 1 limit 5;
